"""QR codes of addresses, drawn as one path (ISO/IEC 18004)."""

from __future__ import annotations


def qr_path(address: str) -> tuple[int, str]:
    """A QR code as (modules a side, SVG path data), one square a dark module, with its quiet zone."""
    import qrcode

    code = qrcode.QRCode(border=4, error_correction=qrcode.constants.ERROR_CORRECT_M)
    code.add_data(address)
    code.make(fit=True)
    matrix = code.get_matrix()
    path = "".join(f"M{x} {y}h1v1h-1z" for y, cells in enumerate(matrix) for x, dark in enumerate(cells) if dark)
    return len(matrix), path

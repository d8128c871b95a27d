"""The kinds of reports that Queclink's documents name, and the models by protocol version."""

KINDS = frozenset(
    """
    FRI ERI GEO SPD SOS RTL PNL NMR DIS DOG IGL TOW DEX HBM EPS AIS PNA PFA EPN EPF MPN MPF BTC STC STT BPL JDR JDS ANT
    TMP TEM INF GPS CID CSQ VER BAT TMZ GSV GSM CSN AIF ALS ALM ALL IGN IGF IDN IDF IDA STR STP LSP WIF OBD OEM CAN CRA
    CRD CRG ASC HBE RMD GSS GES GPJ FLA DTT DAT DAR BAA BID BAR BCS BDS LSA LBS LBC SWG TRI LSW TSW VGN VGF VGL UPC UPD
    ULF RTP PNR PFR CTN EUC DUC IOB GIN GOT FSD FTP IDL MPR PHD PHL WPB SCS SCN CML CFU UPR RTO AVC DOS DTS CLT TTR TVR
    TDD EXP CSR CDL EDM SPA DRM AMR BTS RSV XXX QSS LGN HRM MDT DMG PDP DIF GIR
    """.split()
)
"""A report of another kind is an alarm that nobody knows."""

MODELS = {
    "02": "GL200", "04": "GV200", "06": "GV300", "08": "GMT100", "09": "GV50P", "0F": "GV55", "10": "GV55 LITE",
    "11": "GL500", "1A": "GL300", "1F": "GV500", "21": "GL200", "25": "GV300", "27": "GV300W", "28": "GL300VC",
    "2C": "GL300W", "2D": "GV500VC", "2F": "GV55", "30": "GL300", "31": "GV65", "35": "GV200", "36": "GV500",
    "3F": "GMT100", "40": "GL500", "41": "GV75W", "42": "GT501", "44": "GL530", "45": "GB100", "4F": "GV56",
    "50": "GV55W", "52": "GL50", "55": "GL50B", "5E": "GV500MAP", "6E": "GV310LAU", "BD": "CV200", "C2": "GV600M",
    "C3": "GL320M", "DC": "GV600MG", "DE": "GL500M", "F1": "GV350M", "F8": "GV800W", "FC": "GV600W",
    "802004": "GV58LAU", "802005": "GV355CEU", "80201E": "GV30CEU",
}  # fmt: skip


def model_of(version: str) -> str:
    """The model that a protocol version belongs to, "" for one not known."""
    return MODELS.get(version[:6] if len(version) > 6 else version[:2], "")

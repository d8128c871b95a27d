"""One message, many channels, in the person's language: `from cityhall.kernel.notify.sending import send`."""

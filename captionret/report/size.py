"""Sizes of files, as people read them."""


def shown_size(size: int) -> str:
    """Bytes in the largest unit that fits.

    >>> shown_size(999), shown_size(1_234_567), shown_size(45_600_000)
    ('999 bytes', '1.2 MB', '46 MB')
    """
    value = float(size)
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if value < 999.5 or unit == "TB":
            break
        value /= 1000
    return f"{value:.1f} {unit}" if unit != "bytes" and value < 9.95 else f"{value:.0f} {unit}"

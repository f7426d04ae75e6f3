"""Where to go on after a form: a page of ours, whatever the request says."""


def own_path(asked: str) -> str:
    """The path if it is one of this site (to a browser, `//host` and `/\\host` are not); else the start."""
    plain = asked.startswith("/") and not asked.startswith(("//", "/\\")) and asked.isprintable()
    return asked if plain else "/"

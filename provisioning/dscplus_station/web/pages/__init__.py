"""The kiosk's pages, one module an area; each has a `router`, which `web.app` includes by itself."""

"""The kiosk: the page on the touch screen at the bench, on the services that the command line uses."""

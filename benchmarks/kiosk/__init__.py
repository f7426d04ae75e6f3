"""The kiosk's page beside those of OpenHTF and HardPy: how soon it shows, how large its process is."""

"""`dsc-station`: the command line of the station; one file a group of commands."""

"""`dsc`: the command line of the driver."""

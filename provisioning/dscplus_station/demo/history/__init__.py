"""Sample data with a past: the real services, run over simulated days with virtual cards and a moved clock.

Nothing is put into a table here. People order, the warehouse makes and ships, holders press keys, jobs run at
night; each by the use case that the pages and the command line call.
"""

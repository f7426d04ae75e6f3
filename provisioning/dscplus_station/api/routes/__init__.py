"""The API's calls, a module for each kind of thing."""

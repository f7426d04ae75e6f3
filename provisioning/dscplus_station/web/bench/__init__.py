"""The bench's page: what a tile shows of its slot, what the desk above shows of the operator's parcel."""

"""Bearer tokens of the programs that use the API: what each may do, how fast; answers for repetitions."""

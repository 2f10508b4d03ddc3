"""A run of a network from elsewhere: how its makers fed it, what its outputs mean, and the contract that follows."""

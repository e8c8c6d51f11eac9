"""One driver a run: a lease that ends with the driver that holds it."""

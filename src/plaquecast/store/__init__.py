"""Files out: BIDS, tables, manifests, model folders."""

"""text -> vectors. One module for each kind of embedder, all behind `lecta.protocols.Embedder`."""

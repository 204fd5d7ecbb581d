"""K-means: initialisation, Lloyd's iterations, mini-batch updates."""

"""The wallet's own store, and the only SQL on this side: the book, its pages, and the clerk who writes them."""

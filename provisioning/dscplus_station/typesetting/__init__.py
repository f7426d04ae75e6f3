"""What documents and labels are made with: fonts, texts that fit, barcodes, PDF pages, ZPL."""

print("substrate-unpack")

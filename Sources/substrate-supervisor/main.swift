print("substrate-supervisor")

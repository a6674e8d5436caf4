print("substrate-host")

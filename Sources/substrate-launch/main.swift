print("substrate-launch")

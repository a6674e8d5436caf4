print("substrate-bench")

import Confinement
import Glibc
import SystemLayer
import Unpacking

// One job, then the end: what went wrong is one line on descriptor 2, `CODE message`.
let status = UnpackCommand.run(Array(CommandLine.arguments.dropFirst())) { () throws(SyscallError) in
    try UnpackFilter.load()
}
exit(status)

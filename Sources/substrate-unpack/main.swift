import Glibc
import Unpacking

// One job, then the end: what went wrong is one line on descriptor 2, `CODE message`.
exit(UnpackCommand.run(Array(CommandLine.arguments.dropFirst())))

// The SDK's commands; `substrate-host plugin …` execs this.
import Glibc
import PluginConformance
import PluginTesting

guard let real = unsafe realpath("/proc/self/exe", nil) else { exit(2) }
let executable = unsafe String(cString: real)
unsafe free(real)
let arguments = Array(CommandLine.arguments.dropFirst())
let rest = Array(arguments.dropFirst())
switch arguments.first {
case "test": exit(TestCommand.run(arguments: rest, executable: executable))
case "conformance": exit(ConformanceCommand.run(arguments: rest))
default:
    print("usage: substrate-plugin test|conformance PATH; each has --help")
    exit(2)
}

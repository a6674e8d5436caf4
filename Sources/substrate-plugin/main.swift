// The SDK's commands; `substrate-host plugin …` execs this.
import Glibc
import PluginTesting

guard let real = unsafe realpath("/proc/self/exe", nil) else { exit(2) }
let executable = unsafe String(cString: real)
unsafe free(real)
let arguments = Array(CommandLine.arguments.dropFirst())
guard arguments.first == "test" else {
    print("usage: substrate-plugin test PATH; see substrate-plugin test --help")
    exit(2)
}
exit(TestCommand.run(arguments: Array(arguments.dropFirst()), executable: executable))

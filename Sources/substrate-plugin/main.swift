// The SDK's commands, which the daemon does not link.
import Glibc
import PluginConformance

var arguments = Array(CommandLine.arguments.dropFirst())
guard arguments.first == "conformance" else {
    let usage = Array("usage: substrate-plugin conformance BACKEND [options]; --help says more\n".utf8)
    _ = unsafe usage.withUnsafeBytes { unsafe write(2, $0.baseAddress, $0.count) }
    exit(2)
}
arguments.removeFirst()
exit(ConformanceCommand.run(arguments: arguments))

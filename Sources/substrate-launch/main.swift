import Glibc

// Started by the host as PID 1 of an actor's namespaces, with the plan on descriptor 3 and a pipe for the answer on 4.
// One thread, no Foundation: what is here becomes somebody's init.
if CommandLine.arguments.count > 1 {
    let usage = "substrate-launch is started by substrate-host: the plan on descriptor 3, the answer on descriptor 4\n"
    _ = unsafe usage.withCString { unsafe write(2, $0, strlen($0)) }
    exit(2)
}
Launcher.run()

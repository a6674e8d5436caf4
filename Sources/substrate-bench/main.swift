// Measures the host beside the floors of this machine; see --help.
import Glibc
import SystemLayer

func say(_ text: String, to descriptor: CInt) { try? writeAll([UInt8](text.utf8), to: descriptor) }

func measure(_ options: Options, scratch: String) async throws -> [Figure] {
    let roundTrip = try Floors.roundTrip(options.samples)
    let program = try Floors.program(options.samples)
    var figures: [Figure] = []
    if options.wants(.start) {
        figures += try StartScenario(scratch: scratch, samples: options.samples, programFloor: program).measure()
    }
    if options.wants(.supervisor) {
        figures += try SupervisorScenario(
            samples: options.samples,
            roundTripFloor: roundTrip,
            programFloor: program
        ).measure()
    }
    if options.wants(.plugin) {
        figures += try PluginScenario(
            scratch: scratch,
            samples: options.samples,
            roundTripFloor: roundTrip,
            programFloor: program
        ).measure()
    }
    if options.wants(.assets) {
        figures += try AssetScenario(scratch: scratch, samples: options.samples).measure()
    }
    let needsImage = options.wants(.verbs) || options.wants(.memory) || options.backend != nil
    let image = needsImage ? try Counter.buildImage(in: scratch) : ""
    if options.wants(.contract) || options.wants(.verbs) {
        let host = try BenchHost(scratch: scratch, name: "host")
        defer { host.stop() }
        if options.wants(.contract) {
            figures += try await ContractScenario(
                host: host,
                samples: options.samples,
                roundTripFloor: roundTrip
            ).measure()
        }
        if options.wants(.verbs) {
            figures += try await VerbScenario(host: host, image: image, samples: options.samples).measure()
        }
    }
    if options.wants(.verbs) {
        let disk = try Place.scratch(onDisk: true)
        defer { try? FileTree.remove(disk) }
        let host = try BenchHost(scratch: disk, name: "disk")
        defer { host.stop() }
        figures += try await VerbScenario(host: host, image: image, samples: options.samples).measureOnDisk(disk)
    }
    if options.wants(.memory) { figures += try await MemoryScenario(scratch: scratch, image: image).measure() }
    if options.wants(.unpack) {
        figures += try UnpackScenario(scratch: scratch, samples: options.samples).measure()
    }
    if options.wants(.snapshots) {
        figures += try SnapshotScenario(scratch: scratch, samples: options.samples).measure()
    }
    if let backend = options.backend, options.wants(.backend) || options.wants(.sizes) {
        let scenario = BackendScenario(
            backend: backend,
            grants: options.grants,
            scratch: scratch,
            image: image,
            samples: options.samples
        )
        figures += try await options.wants(.sizes) ? SizesScenario(of: scenario).measure() : scenario.measure()
    }
    return figures
}

func bench() async -> CInt {
    let options: Options
    do throws(UsageFailure) { options = try Options(CommandLine.arguments.dropFirst()) } catch {
        say("substrate-bench: \(error.text)\n", to: 2)
        return 2
    }
    if options.help {
        say(Options.help, to: 1)
        return 0
    }
    guard geteuid() == 0 else {
        say("substrate-bench: the host starts confined processes, which needs root: run it with sudo\n", to: 2)
        return 1
    }
    do {
        let scratch = try Place.scratch()
        defer { try? FileTree.remove(scratch) }
        let figures = try await measure(options, scratch: scratch)
        say(options.json ? Report.json(figures, samples: options.samples) : Report.table(figures), to: 1)
        return options.strict && figures.contains { $0.isMet == false } ? 1 : 0
    } catch let failure as BenchFailure {
        say("substrate-bench: \(failure.text)\n", to: 2)
    } catch {
        say("substrate-bench: \(error)\n", to: 2)
    }
    return 1
}

signal(SIGPIPE, SIG_IGN)
if CommandLine.arguments.dropFirst().first == Floors.echoArgument {
    Floors.echo()
    exit(0)
}
if CommandLine.arguments.dropFirst().first == UnpackScenario.peakArgument {
    exit(UnpackScenario.printPeak(Array(CommandLine.arguments.dropFirst(2))))
}
exit(await bench())

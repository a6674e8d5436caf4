// swift-tools-version: 6.3
// The rooms and arrows of the house, floor by floor. A room may use only what its row names:
// Tests/ArchitectureTests reads this manifest and the imports, and fails on a new arrow.
import PackageDescription

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
]
let cStrict: [CSetting] = [
    .unsafeFlags(["-std=gnu17", "-Wall", "-Wextra", "-Werror", "-fno-common"])
]
/// The Swift libraries in the program, and of them what it uses: loaded faster, and in less memory.
///
/// Not where tests are built, which load the same libraries from outside.
let staticSwift: [LinkerSetting] = [
    .unsafeFlags(
        ["-static-stdlib", "-l_FoundationCollections", "-l_FoundationCShims"],
        .when(configuration: .release)
    )
]
/// The binaries that hold hostile bytes or become somebody's PID 1 carry everything they need.
let staticBinary: [LinkerSetting] = [.unsafeFlags(["-static-executable"])]
/// What Debian's static libarchive refers to; only tar and its filters end up in the binary.
let staticArchive: [LinkerSetting] = ["nettle", "acl", "lzma", "zstd", "lz4", "bz2", "z"]
    .map { .linkedLibrary($0) }

let abseil = [
    "throw_delegate", "raw_logging_internal", "raw_hash_set", "hashtablez_sampler", "hash", "city", "low_level_hash",
    "random_distributions", "random_seed_sequences", "random_internal_pool_urbg", "random_internal_randen",
    "random_internal_randen_hwaes", "random_internal_randen_hwaes_impl", "random_internal_randen_slow",
    "random_internal_platform", "random_internal_seed_material", "random_seed_gen_exception", "statusor", "status",
    "cord", "cordz_info", "cord_internal", "cordz_functions", "exponential_biased", "cordz_handle",
    "bad_optional_access", "strerror", "str_format_internal", "synchronization", "graphcycles_internal", "stacktrace",
    "symbolize", "debugging_internal", "demangle_internal", "malloc_internal", "time", "civil_time", "strings",
    "strings_internal", "base", "spinlock_wait", "int128", "time_zone", "bad_variant_access", "log_severity",
]
/// The gRPC core without TLS, which no listener and no client of ours speaks.
///
/// In a release it is in the program: as a shared library it comes with forty others, whose loading took two thirds of
/// the time from exec to listening. By name, as its pkg-config file repeats itself until the command line is too long.
let grpcCore: [LinkerSetting] =
    ["grpc_unsecure", "gpr"].map { .linkedLibrary($0, .when(configuration: .debug)) } + [
        .unsafeFlags(
            ["-Xlinker", "--start-group"]
                + ([
                    "grpc_unsecure", "gpr", "address_sorting", "upb",
                ] + abseil.map { "absl_\($0)" }).flatMap { ["-Xlinker", "-l:lib\($0).a"] }
                + ["-Xlinker", "--end-group", "-lcares", "-lz", "-lstdc++"],
            .when(configuration: .release)
        )
    ]

func room(_ name: String, _ uses: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: uses, exclude: exclusions[name] ?? [], swiftSettings: strict)
}
func c(_ name: String, _ uses: [Target.Dependency] = [], links: [LinkerSetting] = []) -> Target {
    .target(
        name: name,
        dependencies: uses,
        path: "Sources/C/\(name)",
        publicHeadersPath: "include",
        cSettings: cStrict,
        linkerSettings: links
    )
}
func library(_ name: String) -> Target { .systemLibrary(name: name, path: "Sources/C/\(name)") }
func tests(_ room: String, _ uses: [Target.Dependency] = []) -> Target {
    .testTarget(
        name: "\(room)Tests",
        dependencies: [.target(name: room)] + uses,
        exclude: exclusions["\(room)Tests"] ?? [],
        swiftSettings: strict
    )
}
/// Data that lives beside the code that means it and is no source file.
let exclusions: [String: [String]] = [
    "ContractWire": ["Protos"],
    "ContractWireTests": ["Fixtures"],
    "LuaEngineTests": ["Attacks", "Sanitizer"],
    "PluginHostTests": ["Probe"],
    "PluginConformanceTests": ["Broken"],
    "ImagesTests": ["Servers"],
]

let package = Package(
    name: "substrate-host",
    targets: [
        // Floor 0-1: system libraries, and the C that Swift cannot be
        library("CLua"), library("CGRPC"), library("CProtobufC"), library("CArchive"), library("CSQLite"),
        library("CCrypto"), library("CYAML"), library("CCurl"), library("CZstd"),
        c("CSystemShims"),
        c("CSupervisorShims"),
        c("CLuaBridge", ["CLua"], links: [.linkedLibrary("lua5.4"), .linkedLibrary("m")]),
        c("CGRPCBridge", ["CGRPC"], links: grpcCore),
        // Opens libcurl itself at the first transfer: linked, it would be a third of every start.
        c("CCurlBridge", ["CCurl"]),
        // Opens libnftables and libssl itself with the first actor that has a way out.
        c("CNetworkBridge", links: [.linkedLibrary("mnl"), .linkedLibrary("crypto")]),
        c("CContractMessages", ["CProtobufC"]),
        // Floor 2
        room("HostErrors"),
        // Floor 3
        room("SystemLayer", ["HostErrors", "CSystemShims"]),
        room("ActorContract", ["HostErrors"]),
        room("PluginProtocol", ["HostErrors"]),
        room("PluginCommands"),
        room("Telemetry", ["HostErrors"]),
        room("Threads", ["SystemLayer"]),
        // Floor 4
        room("LaunchProtocol", ["HostErrors", "SystemLayer"]),
        room("Confinement", ["HostErrors", "SystemLayer", "CSystemShims", "CSupervisorShims"]),
        room("LuaEngine", ["HostErrors", "CLuaBridge"]),
        room("Unpacking", ["HostErrors", "SystemLayer", "CArchive", "CZstd"]),
        room("Transfer", ["HostErrors", "SystemLayer", "Telemetry", "Threads", "CCrypto", "CCurlBridge"]),
        room("ActorNetwork", ["HostErrors", "SystemLayer", "Threads", "ActorContract", "CNetworkBridge"]),
        room("ContractWire", ["HostErrors", "ActorContract", "CContractMessages", "CProtobufC"]),
        room("GRPCTransport", ["HostErrors", "SystemLayer", "Threads", "Telemetry", "CGRPCBridge"]),
        // Floor 5
        room("PluginRuntime", ["HostErrors", "LuaEngine", "PluginProtocol"]),
        room("PluginOverlays", ["HostErrors", "SystemLayer", "Telemetry"]),
        room("Assets", ["HostErrors", "Transfer", "SystemLayer", "Telemetry"]),
        // Floor 6
        room("Images", ["HostErrors", "Assets", "Transfer", "SystemLayer", "Telemetry", "LaunchProtocol"]),
        room("Snapshots", ["HostErrors", "Assets", "Transfer", "SystemLayer", "Telemetry", "CZstd"]),
        // Floor 7
        room(
            "PluginHost",
            [
                "HostErrors", "SystemLayer", "ActorContract", "PluginProtocol", "Telemetry", "LaunchProtocol",
                "Confinement", "Threads",
                "Transfer", "ActorNetwork", "PluginOverlays", "Assets", "Images", "Snapshots",
            ]
        ),
        room(
            "PluginAuthoring",
            [
                "HostErrors", "SystemLayer", "PluginProtocol", "PluginCommands", "PluginHost", "PluginOverlays",
                "Transfer",
                "Telemetry",
            ]
        ),
        room(
            "ActorLifecycle",
            [
                "HostErrors", "SystemLayer", "ActorContract", "PluginProtocol", "Telemetry", "LaunchProtocol",
                "Confinement", "Threads",
                "Transfer", "ActorNetwork", "Assets", "Images", "Snapshots", "CSQLite",
            ]
        ),
        // Floor 8
        room(
            "HostService",
            ["HostErrors", "ActorLifecycle", "ContractWire", "ActorContract", "GRPCTransport", "Telemetry"]
        ),
        // The conformance suite, a library that the daemon does not link
        room(
            "PluginConformance",
            [
                "HostErrors", "SystemLayer", "ActorContract", "PluginProtocol", "Telemetry", "LaunchProtocol",
                "Threads",
                "ActorLifecycle", "PluginHost", "PluginOverlays", "Assets", "Images", "Snapshots", "Transfer",
                "ActorNetwork", "PluginCommands", "PluginAuthoring",
            ]
        ),
        // Never linked into what serves: tests of scripts, over a world that is data
        room(
            "PluginTesting",
            [
                "HostErrors", "SystemLayer", "ActorContract", "PluginProtocol", "PluginHost", "PluginOverlays",
                "Telemetry",
                "Transfer", "ActorLifecycle", "Images", "Assets", "Snapshots", "PluginCommands", "PluginAuthoring",
            ]
        ),
        // Floor 9
        .executableTarget(
            name: "substrate-host",
            dependencies: [
                "HostErrors", "HostService", "ActorLifecycle", "PluginHost", "PluginOverlays", "ContractWire",
                "ActorContract",
                "GRPCTransport", "Telemetry", "SystemLayer", "Assets", "Images", "ActorNetwork", "Snapshots",
                "Transfer",
                "LaunchProtocol", "PluginProtocol", "CYAML", "PluginCommands", "Threads",
            ],
            swiftSettings: strict,
            linkerSettings: staticSwift
        ),
        // What authors of scripts need, and no host links.
        .executableTarget(
            name: "substrate-plugin",
            dependencies: [
                "HostErrors", "SystemLayer", "ActorContract", "PluginProtocol", "PluginCommands", "PluginAuthoring",
                "PluginTesting",
                "PluginConformance",
                "PluginHost",
                "PluginOverlays",
                "Telemetry", "Transfer",
            ],
            swiftSettings: strict,
            linkerSettings: staticSwift
        ),
        .executableTarget(
            name: "substrate-supervisor",
            dependencies: ["HostErrors", "SystemLayer", "PluginProtocol", "PluginRuntime", "Confinement", "LuaEngine"],
            swiftSettings: strict,
            linkerSettings: staticBinary
        ),
        .executableTarget(
            name: "substrate-launch",
            dependencies: ["HostErrors", "SystemLayer", "LaunchProtocol", "Confinement", "CSystemShims"],
            swiftSettings: strict,
            linkerSettings: staticBinary
        ),
        .executableTarget(
            name: "substrate-unpack",
            dependencies: ["HostErrors", "SystemLayer", "Unpacking", "Confinement"],
            swiftSettings: strict,
            linkerSettings: staticBinary + staticArchive
        ),
        // Tests
        room(
            "TestSupport",
            [
                "HostErrors", "SystemLayer", "ActorContract", "Telemetry", "Transfer", "ContractWire", "GRPCTransport",
                "Threads",
            ]
        ),
        .executableTarget(
            name: "substrate-bench",
            dependencies: [
                "HostErrors", "SystemLayer", "GRPCTransport", "ContractWire", "ActorContract", "PluginProtocol",
                "Assets", "Snapshots", "Transfer",
            ],
            swiftSettings: strict
        ),
        tests("HostErrors"),
        tests("SystemLayer", ["HostErrors", "TestSupport"]),
        tests("ActorContract", ["HostErrors"]),
        tests("PluginProtocol", ["HostErrors"]),
        tests("Telemetry"),
        tests("Threads", ["SystemLayer"]),
        tests("LaunchProtocol", ["HostErrors", "SystemLayer", "TestSupport"]),
        tests("LuaEngine", ["HostErrors", "SystemLayer", "PluginProtocol", "PluginRuntime"]),
        tests("Confinement", ["SystemLayer"]),
        tests("Unpacking", ["HostErrors", "SystemLayer", "CArchive", "TestSupport"]),
        tests("ActorNetwork", ["SystemLayer", "Threads", "HostErrors", "ActorContract", "TestSupport"]),
        tests("ContractWire", ["HostErrors", "ActorContract", "TestSupport"]),
        tests("GRPCTransport", ["HostErrors"]),
        tests("PluginOverlays", ["HostErrors", "TestSupport", "Threads"]),
        tests(
            "PluginHost",
            [
                "HostErrors", "SystemLayer", "ActorContract", "PluginProtocol", "PluginOverlays", "Telemetry",
                "Confinement", "TestSupport", "Assets", "Threads",
            ]
        ),
        tests("Transfer", ["HostErrors", "SystemLayer", "TestSupport"]),
        tests(
            "PluginAuthoring",
            [
                "HostErrors", "SystemLayer", "PluginProtocol", "PluginCommands", "PluginHost", "PluginOverlays",
                "TestSupport",
            ]
        ),
        tests(
            "PluginTesting",
            [
                "HostErrors", "SystemLayer", "PluginHost", "PluginProtocol", "PluginCommands", "PluginAuthoring",
                "TestSupport", "Threads",
            ]
        ),
        tests("Assets", ["HostErrors", "Transfer", "SystemLayer", "TestSupport"]),
        tests(
            "HostService",
            ["HostErrors", "ActorContract", "ActorLifecycle", "ContractWire", "GRPCTransport"]
        ),
        tests("ActorLifecycle", ["HostErrors", "SystemLayer", "ActorContract", "TestSupport"]),
        tests(
            "PluginConformance",
            [
                "HostErrors", "SystemLayer", "ActorContract", "PluginHost", "PluginOverlays", "Transfer", "TestSupport",
                "substrate-plugin",
            ]
        ),
        tests("Images", ["HostErrors", "Assets", "Snapshots", "Transfer", "SystemLayer", "TestSupport"]),
        tests("Snapshots", ["HostErrors", "Transfer", "SystemLayer", "Unpacking", "TestSupport"]),
        .testTarget(
            name: "IntegrationTests",
            dependencies: [
                "TestSupport", "SystemLayer", "HostErrors", "ActorContract", "ContractWire", "GRPCTransport",
                "Transfer", "LaunchProtocol", "PluginHost", "Snapshots",
                "substrate-host",
            ],
            exclude: ["Foreign"],
            swiftSettings: strict
        ),
        .testTarget(name: "ArchitectureTests", dependencies: [], swiftSettings: strict),
    ]
)

public import HostErrors

/// What a server tells of itself to clients that have no `.proto` files.
///
/// - Source: gRPC "Server Reflection Protocol"; `grpc.reflection.v1` and `v1alpha` differ by their package alone.
public struct Reflection: Sendable {
    /// The methods that are answered.
    public static let paths = ["v1", "v1alpha"].map { "/grpc.reflection.\($0).ServerReflection/ServerReflectionInfo" }

    private let services: [String]
    /// Encoded `google.protobuf.FileDescriptorProto`s by file name.
    private let files: [String: [UInt8]]
    /// By full name: a message, an enumeration, a service or a method.
    private let fileBySymbol: [String: String]

    /// Reads the files of what is served.
    ///
    /// - Parameters:
    ///   - setting: whose `atelet.AteomHerder`; `auto` tells autumn's.
    ///   - methods: the HTTP/2 paths that are served; the standard services are added.
    /// - Throws: `INTERNAL` when the program's own sets cannot be read.
    public init(_ setting: DialectSetting, methods: some Sequence<String>) throws(HostError) {
        let standard = Self.paths + ["/grpc.health.v1.Health/Check"]
        services = Set((Array(methods) + standard).compactMap { $0.split(separator: "/").first.map(String.init) })
            .sorted()
        var files: [String: [UInt8]] = [:]
        var fileBySymbol: [String: String] = [:]
        for set in setting.servedFileSets {
            let raw = try WireDecoder.decode(set, as: .rawFileSet).all("file")
            for (file, bytes) in zip(try WireDecoder.decode(set, as: .fileSet).messages("file"), raw) {
                guard case .bytes(let bytes) = bytes else { continue }
                files[file.string("name")] = bytes
                for symbol in Self.symbols(file) { fileBySymbol[symbol] = file.string("name") }
            }
        }
        (self.files, self.fileBySymbol) = (files, fileBySymbol)
    }

    private static func symbols(_ file: WireMessage) -> [String] {
        let package = file.string("package")
        func names(_ parent: String, _ kids: [WireMessage]) -> [String] {
            kids.map { "\(parent).\($0.string("name"))" }
        }
        var all = names(package, file.messages("enum_type"))
        for (kind, nested) in [("message_type", ["nested_type", "enum_type"]), ("service", ["method"])] {
            for one in file.messages(kind) {
                let name = "\(package).\(one.string("name"))"
                all.append(name)
                for inner in nested { all += names(name, one.messages(inner)) }
            }
        }
        return all
    }

    /// Answers one question; a name that is not known is an answer too.
    ///
    /// - Parameter request: an encoded `ServerReflectionRequest`.
    /// - Returns: an encoded `ServerReflectionResponse`.
    /// - Throws: `INVALID_ARGUMENT` for bytes that are no such request, or that ask nothing.
    public func answer(_ request: [UInt8]) throws(HostError) -> [UInt8] {
        let asked = try WireDecoder.decode(request, as: .reflectionRequest)
        var answer = WireMessage(.reflectionResponse)
        answer.add("valid_host", asked.string("host"))
        answer.add("original_request", .message(asked))
        if asked.has("list_services") {
            answer.add("list_services_response") { list in
                for service in services { list.add("service") { $0.add("name", service) } }
            }
        } else if asked.has("file_by_filename") {
            add(files[asked.string("file_by_filename")], asked.string("file_by_filename"), to: &answer)
        } else if asked.has("file_containing_symbol") {
            let symbol = asked.string("file_containing_symbol")
            add(fileBySymbol[symbol].flatMap { files[$0] }, symbol, to: &answer)
        } else if let extended = asked.message("file_containing_extension") {
            add(
                nil,
                "extension \(extended.integer("extension_number")) of \(extended.string("containing_type"))",
                to: &answer
            )
        } else if asked.has("all_extension_numbers_of_type") {
            let type = asked.string("all_extension_numbers_of_type")
            // proto3 has none; what is none of ours has none that we know.
            guard fileBySymbol[type] != nil else {
                add(nil, type, to: &answer)
                return answer.encoded()
            }
            answer.add("all_extension_numbers_response") { $0.add("base_type_name", type) }
        } else {
            throw HostError(
                .invalidArgument,
                nil,
                "message_request is required: ask for a file, a symbol or the services"
            )
        }
        return answer.encoded()
    }

    private func add(_ file: [UInt8]?, _ name: String, to answer: inout WireMessage) {
        if let file {
            answer.add("file_descriptor_response") { $0.add("file_descriptor_proto", .bytes(file)) }
        } else {
            answer.add("error_response") {
                $0.add("error_code", HostError.Code.notFound.rawValue)
                $0.add("error_message", "not known here: \(name)")
            }
        }
    }
}

import ActorContract
import Glibc
import HostErrors
import SystemLayer

/// The certificates that actors may ask for in a `system_info` volume: files of the operator's, by name.
///
/// Read anew at each Run, Restore and Start, so that a bundle is changed by changing its file.
/// - Source: contract §1.2, TrustBundleDataSource; the names and errors are those of upstream's "trust bundle" page.
public struct TrustBundles: Sendable, Equatable {
    /// What needs no setting: the public roots, as this machine keeps them.
    public static let systemRoots = "system-roots.ate.dev"
    /// Where distributions keep the public roots.
    private static let rootFiles = [
        "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
        "/etc/ssl/cert.pem",
    ]

    private let paths: [String: String]

    /// Takes the operator's.
    ///
    /// - Parameter paths: absolute, by name; the machine's own roots are added where the operator names no others.
    public init(_ paths: [String: String]) {
        var all = paths
        if all[Self.systemRoots] == nil {
            all[Self.systemRoots] = Self.rootFiles.first { unsafe access($0, R_OK) == 0 }
        }
        self.paths = all
    }

    /// The text of a file that holds some of them.
    ///
    /// - Parameters:
    ///   - names: of the request.
    ///   - field: its path, for errors.
    /// - Returns: the certificates in the order of the names.
    /// - Throws: `invalidArgument` for a name that is not there; `failedPrecondition` (`MACHINE`) for a file that holds
    ///   no certificate.
    func text(of names: [String], at field: String) throws(HostError) -> String {
        var text = ""
        for name in names {
            guard let path = paths[name] else {
                let known = paths.keys.sorted().joined(separator: ", ")
                throw HostError(
                    .invalidArgument,
                    nil,
                    "\(field): unknown trust bundle \"\(name)\"; this host has: \(known.isEmpty ? "(none)" : known)"
                )
            }
            guard let read = TextFile.read(path), read.contains("-----BEGIN CERTIFICATE-----") else {
                throw HostError(
                    .failedPrecondition,
                    .machine,
                    "\(field): trust bundle \"\(name)\": unusable contents: the operator's file must hold PEM certificates, at most 4 MiB",
                    context: ["file.path": path]
                )
            }
            text += read.hasSuffix("\n") ? read : read + "\n"
        }
        return text
    }

    /// What a request wants of them: each field's path with its names.
    static func wanted(_ spec: WorkloadSpec) -> [(field: String, names: [String])] {
        spec.volumes.enumerated().flatMap { index, volume -> [(field: String, names: [String])] in
            guard case .systemInformation(let sources) = volume.source else { return [] }
            return sources.enumerated().flatMap { number, files in
                let field = "spec.volumes[\(index)].system_info.data_sources[\(number)].trust_bundle.names"
                return files.compactMap { file in file.bundles.map { (field, $0) } }
            }
        }
    }
}

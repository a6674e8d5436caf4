import Testing

@testable import PluginHost
@testable import PluginProtocol

/// Settings of type secret: the operator names a file, and Lua is given its path.
@Suite struct SecretTests {
    private static let field: PluginDescriptor.ConfigField = {
        var field = PluginDescriptor.ConfigField()
        field.type = "secret"
        return field
    }()

    @Test func aPathIsHandedOn() throws {
        #expect(try Self.field.value(of: "/run/token").get() == .text("/run/token"))
    }

    @Test(arguments: ["", "token", "./token", "/run/../token", "/run/", "hunter2"])
    func anythingElseIsRefused(_ text: String) {
        guard case .failure(let expected) = Self.field.value(of: text) else {
            Issue.record("\(text) was accepted")
            return
        }
        #expect(expected.words == "the absolute path of a file that holds the secret")
    }
}

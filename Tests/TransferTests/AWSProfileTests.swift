import SystemLayer
import TestSupport
import Testing

@testable import Transfer

@Suite struct AWSProfileTests {
    private static let config = """
        # settings
        [default]
        region = eu-north-1
        [profile work]
        region=us-west-2
        endpoint_url = https://s3.internal:9000
        s3 =
          addressing_style = path
          region = nowhere
        credential_process = /bin/false
        """
    private static let credentials = """
        [default]
        aws_access_key_id = ONE
        aws_secret_access_key = one=/+
        [work]
        aws_access_key_id=TWO
        aws_secret_access_key=two
        aws_session_token=three
        [half]
        aws_access_key_id=ALONE
        """

    private func completed(_ more: [String: String]) throws -> [String: String] {
        let scratch = try ScratchDirectory("aws")
        try DirectoryTree.make("\(scratch.path)/.aws")
        try AtomicFile.write(Array(Self.config.utf8), to: "\(scratch.path)/.aws/config")
        try AtomicFile.write(Array(Self.credentials.utf8), to: "\(scratch.path)/.aws/credentials")
        var given = more
        given["HOME"] = given["HOME"] ?? scratch.path
        for (name, value) in given { given[name] = value.replacing("%", with: scratch.path) }
        return AWSProfile.completing(given).filter { name, value in
            name.hasPrefix("AWS_") && more[name] != value && !AWSProfile.variables.contains(name)
        }
    }

    @Test("a profile's credentials and region are taken where the variables say none")
    func profiles() throws {
        let usual = ["AWS_ACCESS_KEY_ID": "ONE", "AWS_SECRET_ACCESS_KEY": "one=/+", "AWS_REGION": "eu-north-1"]
        #expect(try completed([:]) == usual)
        #expect(
            try completed(["AWS_PROFILE": "work"]) == [
                "AWS_ACCESS_KEY_ID": "TWO", "AWS_SECRET_ACCESS_KEY": "two", "AWS_SESSION_TOKEN": "three",
                "AWS_REGION": "us-west-2", "AWS_ENDPOINT_URL": "https://s3.internal:9000",
            ]
        )
        #expect(try completed(["AWS_DEFAULT_PROFILE": "work", "AWS_PROFILE": "default"]) == usual)
        #expect(try completed(["AWS_PROFILE": "half"]) == [:], "a key without its secret is none")
        #expect(try completed(["AWS_PROFILE": "absent"]) == [:])
        #expect(try completed(["HOME": "/nowhere"]) == [:])
        let files = ["HOME": "/nowhere", "AWS_SHARED_CREDENTIALS_FILE": "%/.aws/credentials"]
        #expect(try completed(files) == usual.filter { $0.key != "AWS_REGION" })
    }

    @Test("a variable wins over every file")
    func variables() throws {
        let given = ["AWS_ACCESS_KEY_ID": "X", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "y"]
        #expect(try completed(given) == [:])
        #expect(try completed(["AWS_ENDPOINT_URL_S3": "http://h", "AWS_PROFILE": "work"])["AWS_ENDPOINT_URL"] == nil)
    }
}

import Transfer

/// The variables that say where assets come from and who asks for them.
///
/// - Source: contract §1.1 "env"; curl(1) "ENVIRONMENT"; AWS SDK "environment variables".
enum AssetEnvironment {
    private static let names = [
        "ATE_STORAGE_BACKEND",
        "AWS_S3_USE_PATH_STYLE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_REGION", "AWS_DEFAULT_REGION",
        "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
        "STORAGE_EMULATOR_HOST", "GOOGLE_OAUTH_ACCESS_TOKEN", "CLOUDSDK_AUTH_ACCESS_TOKEN",
        "GS_ACCESS_KEY_ID", "GS_SECRET_ACCESS_KEY",
        "REGISTRY_AUTH_FILE", "DOCKER_CONFIG", "HOME",
        "AWS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR",
        // libcurl reads these itself; we must know whom it may connect to.
        "http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY",
    ]

    /// Those that are set for this process.
    static var current: [String: String] {
        var found: [String: String] = [:]
        for name in names + AWSProfile.variables { found[name] = Environment.variable(name) }
        return AWSProfile.completing(found)
    }
}

/// Where credentials come from, in the order of the AWS SDKs: environment, shared files, container, instance.
enum AWSCredentialSource: Sendable, Equatable {
  case fixed(AWSCredentials)
  /// - Parameter isNamed: The profile was asked for: without it there is no going on.
  case files(credentials: String, configuration: String, profile: String, isNamed: Bool, next: Remote?)
  case remote(Remote)
  /// Nothing is set up: requests would go unsigned.
  case none

  /// A metadata service beside the workload.
  enum Remote: Sendable, Equatable {
    /// ECS, EKS Pod Identity, Greengrass.
    case container(url: String, token: Token?)
    /// EC2, IMDSv2 only.
    case instance(endpoint: String)

    enum Token: Sendable, Equatable {
      case text(String)
      case file(String)
    }
  }

  init(environment: [String: String]) throws(ObjectStoreError) {
    let id = environment.value("AWS_ACCESS_KEY_ID")
    let secret = environment.value("AWS_SECRET_ACCESS_KEY")
    if let id, let secret {
      self = .fixed(
        try AWSCredentials(accessKeyID: id, secretKey: secret, sessionToken: environment.value("AWS_SESSION_TOKEN"))
          .checked(from: "the environment"))
      return
    }
    guard id == nil, secret == nil else {
      throw ObjectStoreError(
        .invalidConfiguration, "of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY only one is set: set both, or neither")
    }
    if environment.value("AWS_WEB_IDENTITY_TOKEN_FILE") != nil {
      throw ObjectStoreError(
        .notSupported,
        "credentials by web identity (AWS_WEB_IDENTITY_TOKEN_FILE) are not supported: use EKS Pod "
          + "Identity (AWS_CONTAINER_CREDENTIALS_FULL_URI), or set keys")
    }
    let remote = try Remote(environment: environment)
    let home = environment.value("HOME").map { $0 + "/.aws/" }
    let profile = environment.value("AWS_PROFILE")
    if let credentials = environment.value("AWS_SHARED_CREDENTIALS_FILE") ?? home.map({ $0 + "credentials" }) {
      self = .files(
        credentials: credentials,
        configuration: environment.value("AWS_CONFIG_FILE") ?? home.map { $0 + "config" } ?? "",
        profile: profile ?? "default",
        isNamed: profile != nil || environment.value("AWS_SHARED_CREDENTIALS_FILE") != nil, next: remote)
    } else {
      self = remote.map { .remote($0) } ?? .none
    }
  }
}

extension AWSCredentialSource.Remote {
  /// Nil when metadata services are switched off.
  init?(environment: [String: String]) throws(ObjectStoreError) {
    let token =
      environment.value("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE").map { Token.file($0) }
      ?? environment.value("AWS_CONTAINER_AUTHORIZATION_TOKEN").map { Token.text($0) }
    if let relative = environment.value("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
      guard relative.hasPrefix("/") else {
        throw ObjectStoreError(.invalidConfiguration, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI must begin with '/'")
      }
      self = .container(url: "http://169.254.170.2" + relative, token: token)
    } else if let full = environment.value("AWS_CONTAINER_CREDENTIALS_FULL_URI") {
      guard Self.mayBeAsked(full) else {
        throw ObjectStoreError(
          .invalidConfiguration,
          "AWS_CONTAINER_CREDENTIALS_FULL_URI must be https, or http to this machine or to the "
            + "addresses of ECS and EKS: credentials would go over the network in the clear")
      }
      self = .container(url: full, token: token)
    } else if environment.value("AWS_EC2_METADATA_DISABLED")?.lowercased() == "true" {
      return nil
    } else {
      var endpoint = environment.value("AWS_EC2_METADATA_SERVICE_ENDPOINT") ?? "http://169.254.169.254"
      while endpoint.last == "/" { endpoint.removeLast() }
      self = .instance(endpoint: endpoint)
    }
  }

  /// The rule of the SDKs.
  private static func mayBeAsked(_ url: String) -> Bool {
    if url.lowercased().hasPrefix("https://") { return true }
    guard url.lowercased().hasPrefix("http://") else { return false }
    let authority = url.dropFirst(7).prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    guard !authority.contains("@") else { return false }
    let host =
      authority.hasPrefix("[")
      ? String(authority.prefix { $0 != "]" }) + "]" : String(authority.prefix { $0 != ":" })
    return ["localhost", "127.0.0.1", "[::1]", "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"].contains(host)
  }
}

extension AWSCredentials {
  /// What goes into headers may not break out of them.
  func checked(from source: String) throws(ObjectStoreError) -> AWSCredentials {
    for text in [accessKeyID, secretKey, sessionToken ?? "x"] {
      guard !text.isEmpty, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
        throw ObjectStoreError(
          .invalidConfiguration,
          "the AWS credentials from \(source) are empty or hold blanks, line ends or other than "
            + "ASCII: were they copied with what surrounded them?")
      }
    }
    return self
  }
}

/// How to sign in to OpenStack Swift, from the variables that OpenStack's own clients use.
enum SwiftSignIn: Sendable, CustomStringConvertible, CustomReflectable {
  /// Swift's own (tempauth, swauth): `ST_AUTH`, `ST_USER`, `ST_KEY`.
  case v1(url: String, user: String, key: String)
  /// Keystone v3: `OS_AUTH_URL` and what follows from it.
  case keystone(KeystoneRequest)
  /// A token from elsewhere, which cannot be renewed: `OS_STORAGE_URL`, `OS_AUTH_TOKEN`.
  case token(storageURL: String, token: String)

  init(environment: [String: String]) throws(ObjectStoreError) {
    let v1 = environment.value("ST_AUTH")
    let keystone = environment.value("OS_AUTH_URL")
    if v1 != nil, keystone != nil {
      throw ObjectStoreError(
        .invalidConfiguration, "both ST_AUTH and OS_AUTH_URL are set: unset that of the sign-in that is not wanted")
    }
    if let v1 {
      guard let user = environment.value("ST_USER"), let key = environment.value("ST_KEY") else {
        throw ObjectStoreError(.invalidConfiguration, "ST_AUTH is set, and ST_USER or ST_KEY is not: set all three")
      }
      self = .v1(
        url: try Self.address(v1, "ST_AUTH"), user: try Self.plain(user, "ST_USER"), key: try Self.plain(key, "ST_KEY"))
    } else if keystone != nil {
      self = .keystone(try KeystoneRequest(environment: environment))
    } else if let url = environment.value("OS_STORAGE_URL"), let token = environment.value("OS_AUTH_TOKEN") {
      self = .token(storageURL: try Self.address(url, "OS_STORAGE_URL"), token: try Self.plain(token, "OS_AUTH_TOKEN"))
    } else {
      throw ObjectStoreError(
        .invalidConfiguration,
        "no OpenStack credentials: set OS_AUTH_URL with OS_APPLICATION_CREDENTIAL_ID and "
          + "OS_APPLICATION_CREDENTIAL_SECRET, or with OS_USERNAME, OS_PASSWORD and OS_PROJECT_NAME; or, for tempauth, "
          + "ST_AUTH, ST_USER and ST_KEY")
    }
  }

  /// Whether the sign-in itself is by https.
  var isEncrypted: Bool {
    switch self {
    case .v1(let url, _, _): url.lowercased().hasPrefix("https://")
    case .keystone(let request): request.url.lowercased().hasPrefix("https://")
    case .token: false
    }
  }

  /// Without secrets.
  var description: String {
    switch self {
    case .v1: "v1"
    case .keystone: "keystone"
    case .token: "token"
    }
  }
  var customMirror: Mirror { Mirror(self, children: [:]) }

  /// An http(s) address without a name or password, and without `/` at its end.
  static func address(_ text: String, _ name: String) throws(ObjectStoreError) -> String {
    let lower = text.lowercased()
    guard lower.hasPrefix("http://") || lower.hasPrefix("https://"), !text.contains("@"), !text.contains("?"),
      !text.contains("#"), text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
    else {
      throw ObjectStoreError(
        .invalidConfiguration, "\(name) must be an http or https address, without a name, password or query in it")
    }
    var address = text
    while address.last == "/" { address.removeLast() }
    return address
  }

  /// What goes into a header may not break out of it.
  static func plain(_ text: String, _ name: String) throws(ObjectStoreError) -> String {
    guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
      throw ObjectStoreError(
        .invalidConfiguration, "\(name) holds line ends or control characters: was more copied than it?")
    }
    return text
  }
}

/// The files that AWS's programs share (https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html).
enum AWSProfiles {
  /// - Parameters:
  ///   - credentials: The text of `credentials`; nil when there is no such file.
  ///   - configuration: The text of `config`; likewise.
  /// - Returns: Nil when neither file has the profile, or it has no credentials.
  static func credentials(
    profile: String, credentials: String?, configuration: String?
  ) throws(ObjectStoreError) -> AWSCredentials? {
    // What the credentials file says comes first.
    var settings: [String: String] = [:]
    if let configuration {
      let section = profile == "default" ? "default" : "profile \(profile)"
      settings = Self.settings(of: section, in: configuration)
    }
    if let credentials { settings.merge(Self.settings(of: profile, in: credentials)) { $1 } }
    if let id = settings["aws_access_key_id"], let secret = settings["aws_secret_access_key"] {
      return try AWSCredentials(accessKeyID: id, secretKey: secret, sessionToken: settings["aws_session_token"])
        .checked(from: "the profile '\(ObjectKey.shown(profile))'")
    }
    let others = [
      "role_arn", "sso_session", "sso_start_url", "credential_process", "credential_source", "login_session",
    ]
    if let other = others.first(where: { settings[$0] != nil }) {
      throw ObjectStoreError(
        .notSupported,
        "the AWS profile '\(ObjectKey.shown(profile))' uses \(other), which is not supported: give keys, "
          + "for example with: eval \"$(aws configure export-credentials --format env)\"")
    }
    return nil
  }

  private static func settings(of wanted: String, in text: String) -> [String: String] {
    var settings: [String: String] = [:]
    var isWanted = false
    for line in text.split(whereSeparator: \.isNewline) {
      let line = line.trimmingBlanks
      if line.isEmpty || line.first == "#" || line.first == ";" { continue }
      if line.first == "[" {
        let words = line.dropFirst().prefix { $0 != "]" }.split(separator: " ").map(String.init)
        isWanted = words.joined(separator: " ") == wanted
      } else if isWanted, let equals = line.firstIndex(of: "=") {
        let name = line[..<equals].trimmingBlanks.lowercased()
        let value = line[line.index(after: equals)...].trimmingBlanks
        if !value.isEmpty { settings[name] = String(value) }
      }
    }
    return settings
  }
}

extension StringProtocol where SubSequence == Substring {
  fileprivate var trimmingBlanks: Substring {
    var text = self[...]
    while text.first == " " || text.first == "\t" { text.removeFirst() }
    while text.last == " " || text.last == "\t" { text.removeLast() }
    return text
  }
}

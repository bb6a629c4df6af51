import Foundation

/// A request for a token of the Identity API v3
/// (https://docs.openstack.org/api-ref/identity/v3/#authentication-and-token-management).
struct KeystoneRequest: Sendable {
  /// Where tokens are asked for: `…/v3/auth/tokens`.
  let url: String
  /// Holds a password or secret.
  let body: [UInt8]
  /// `public`, `internal` or `admin`.
  let interface: String
  /// Nil: the catalog's first.
  let region: String?
  /// In place of the catalog's address.
  let storageURL: String?

  init(environment: [String: String]) throws(ObjectStoreError) {
    let base = try SwiftSignIn.address(environment.value("OS_AUTH_URL") ?? "", "OS_AUTH_URL")
    guard !base.hasSuffix("/v2.0") else {
      throw ObjectStoreError(
        .notSupported, "OS_AUTH_URL is that of the Identity API v2.0, which is long gone: use …/v3")
    }
    url = (base.hasSuffix("/v3") ? base : base + "/v3") + "/auth/tokens"
    // `publicURL` is what older clients call it.
    let wanted = environment.value("OS_INTERFACE") ?? environment.value("OS_ENDPOINT_TYPE") ?? "public"
    interface = wanted.hasSuffix("URL") ? String(wanted.dropLast(3)) : wanted
    region = environment.value("OS_REGION_NAME")
    storageURL =
      if let fixed = environment.value("OS_STORAGE_URL") {
        try SwiftSignIn.address(fixed, "OS_STORAGE_URL")
      } else { nil }
    let auth = try Self.auth(environment)
    guard let data = try? JSONSerialization.data(withJSONObject: ["auth": auth], options: [.sortedKeys]) else {
      throw ObjectStoreError(.invalidConfiguration, "the OS_… variables hold what cannot be sent")
    }
    body = Array(data)
  }

  private static func auth(_ environment: [String: String]) throws(ObjectStoreError) -> [String: Any] {
    if let secret = environment.value("OS_APPLICATION_CREDENTIAL_SECRET") {
      var credential: [String: Any] = ["secret": secret]
      if let id = environment.value("OS_APPLICATION_CREDENTIAL_ID") {
        credential["id"] = id
      } else if let name = environment.value("OS_APPLICATION_CREDENTIAL_NAME") {
        credential["name"] = name
        credential["user"] = try user(environment)
      } else {
        throw ObjectStoreError(
          .invalidConfiguration, "OS_APPLICATION_CREDENTIAL_SECRET is set, and OS_APPLICATION_CREDENTIAL_ID is not")
      }
      // Its scope is its own.
      return ["identity": ["methods": ["application_credential"], "application_credential": credential]]
    }
    guard let password = environment.value("OS_PASSWORD") else {
      throw ObjectStoreError(
        .invalidConfiguration,
        "OS_AUTH_URL is set without a secret: set OS_APPLICATION_CREDENTIAL_ID and "
          + "OS_APPLICATION_CREDENTIAL_SECRET, or OS_USERNAME and OS_PASSWORD")
    }
    var user = try user(environment)
    user["password"] = password
    return [
      "identity": ["methods": ["password"], "password": ["user": user]], "scope": ["project": try project(environment)],
    ]
  }

  private static func user(_ environment: [String: String]) throws(ObjectStoreError) -> [String: Any] {
    if let id = environment.value("OS_USER_ID") { return ["id": id] }
    guard let name = environment.value("OS_USERNAME") else {
      throw ObjectStoreError(.invalidConfiguration, "OS_USERNAME (or OS_USER_ID) is not set")
    }
    return ["name": name, "domain": domain(environment, "OS_USER_DOMAIN")]
  }

  private static func project(_ environment: [String: String]) throws(ObjectStoreError) -> [String: Any] {
    if let id = environment.value("OS_PROJECT_ID") ?? environment.value("OS_TENANT_ID") { return ["id": id] }
    guard let name = environment.value("OS_PROJECT_NAME") ?? environment.value("OS_TENANT_NAME") else {
      throw ObjectStoreError(.invalidConfiguration, "OS_PROJECT_NAME (or OS_PROJECT_ID) is not set")
    }
    return ["name": name, "domain": domain(environment, "OS_PROJECT_DOMAIN")]
  }

  private static func domain(_ environment: [String: String], _ beginning: String) -> [String: String] {
    if let id = environment.value(beginning + "_ID") { return ["id": id] }
    if let name = environment.value(beginning + "_NAME") { return ["name": name] }
    return ["id": environment.value("OS_DEFAULT_DOMAIN") ?? "default"]
  }

  /// The part of a token's description that is used.
  struct Answer: Decodable {
    var token: Token

    struct Token: Decodable {
      var expiresAt: String?
      var catalog: [Service]?

      enum CodingKeys: String, CodingKey {
        case expiresAt = "expires_at"
        case catalog
      }
    }
    struct Service: Decodable {
      var type: String
      var endpoints: [Endpoint]
    }
    struct Endpoint: Decodable {
      var interface: String
      var region: String?
      var regionID: String?
      var url: String

      enum CodingKeys: String, CodingKey {
        case interface, region, url
        case regionID = "region_id"
      }
    }
  }

  /// The address of the object store in the catalog.
  func address(in answer: Answer) throws(ObjectStoreError) -> String {
    if let storageURL { return storageURL }
    let endpoints = (answer.token.catalog ?? []).filter { $0.type == "object-store" }.flatMap(\.endpoints)
      .filter { $0.interface == interface }
    guard !endpoints.isEmpty else {
      throw ObjectStoreError(
        .invalidConfiguration,
        "Keystone's catalog has no object store with the interface '\(ObjectKey.shown(interface))': "
          + "is the project right? Else set OS_INTERFACE or OS_STORAGE_URL")
    }
    guard let found = endpoints.first(where: { region == nil || $0.region == region || $0.regionID == region }) else {
      throw ObjectStoreError(
        .invalidConfiguration, "Keystone's catalog has no object store in OS_REGION_NAME: correct it, or leave it out")
    }
    return try SwiftSignIn.address(found.url, "the object store's address in Keystone's catalog")
  }
}

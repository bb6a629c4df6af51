/// Where a bucket is, and how its requests are addressed.
struct S3Address: Sendable, Equatable {
  enum Style: String, Sendable { case path, virtual }

  /// `https://` or `http://`.
  let scheme: String
  /// Of the endpoint, with the port unless it is the scheme's own.
  let endpointHost: String
  let bucket: String
  /// Of all keys: empty, or without `/` at either end.
  let prefix: String
  let region: String
  let style: Style
  /// Amazon's own service, which is known to honour conditions.
  let isAmazons: Bool

  /// - Parameters:
  ///   - url: `s3://bucket/prefix`; its options come before the environment.
  ///   - profileRegion: From the shared configuration file.
  init(_ url: StoreURL, environment: [String: String]) throws(ObjectStoreError) {
    guard Self.isBucket(url.authority) else {
      throw ObjectStoreError(
        .invalidConfiguration,
        "'\(ObjectKey.shown(url.authority))' is no bucket's name: s3://bucket/prefix needs 3 to "
          + "63 of a-z, 0-9, '-', '.'")
    }
    bucket = url.authority
    prefix = url.path
    if !prefix.isEmpty { try ObjectKey.check(prefix) }

    let endpoint =
      url.options["endpoint"] ?? environment.value("AWS_ENDPOINT_URL_S3") ?? environment.value("AWS_ENDPOINT_URL")
    let region =
      url.options["region"] ?? environment.value("AWS_REGION") ?? environment.value("AWS_DEFAULT_REGION")
    guard let region = region ?? (endpoint == nil ? nil : "us-east-1") else {
      throw ObjectStoreError(
        .invalidConfiguration, "the bucket's region is not known: set AWS_REGION, or write s3://…?region=eu-central-1")
    }
    guard region.utf8.allSatisfy(isWordByte), !region.isEmpty else {
      throw ObjectStoreError(.invalidConfiguration, "'\(ObjectKey.shown(region))' is no region's name")
    }
    self.region = region
    isAmazons = endpoint == nil
    if let endpoint {
      (scheme, endpointHost) = try Self.endpoint(endpoint)
    } else {
      scheme = "https://"
      endpointHost = "s3.\(region).amazonaws.com" + (region.hasPrefix("cn-") ? ".cn" : "")
    }
    if let wanted = url.options["style"] {
      guard let style = Style(rawValue: wanted) else {
        throw ObjectStoreError(.invalidConfiguration, "the option style is 'path' or 'virtual'")
      }
      self.style = style
    } else {
      // A dot in the bucket's name would not be covered by the server's certificate.
      style = endpoint == nil && !bucket.contains(".") ? .virtual : .path
    }
  }

  /// As in `Host` and in signatures.
  var host: String { style == .path ? endpointHost : "\(bucket).\(endpointHost)" }

  /// Not encoded. Without a key: of the bucket itself.
  func path(ofKey key: String?) -> String {
    let beginning = style == .path ? "/\(bucket)" : ""
    guard let key else { return beginning.isEmpty ? "/" : beginning }
    return "\(beginning)/\(full(key))"
  }

  /// The key as the store has it.
  func full(_ key: String) -> String { prefix.isEmpty ? key : "\(prefix)/\(key)" }

  var location: String { "s3://\(bucket)" + (prefix.isEmpty ? "" : "/\(prefix)") }

  private static func isBucket(_ name: String) -> Bool {
    (3...63).contains(name.utf8.count)
      && name.utf8.allSatisfy { isWordByte($0) } && name.utf8.first != UInt8(ascii: ".") && !name.contains("..")
  }

  private static func endpoint(_ text: String) throws(ObjectStoreError) -> (scheme: String, host: String) {
    for (scheme, port) in [("https://", ":443"), ("http://", ":80")] where text.lowercased().hasPrefix(scheme) {
      var host = text.dropFirst(scheme.count)
      while host.last == "/" { host.removeLast() }
      if host.hasSuffix(port) { host.removeLast(port.count) }
      let isAllowed: (UInt8) -> Bool = {
        isWordByte($0) || [UInt8(ascii: ":"), UInt8(ascii: "["), UInt8(ascii: "]")].contains($0)
      }
      guard !host.isEmpty, host.utf8.allSatisfy(isAllowed) else { break }
      return (scheme, String(host).lowercased())
    }
    throw ObjectStoreError(
      .invalidConfiguration,
      "the S3 endpoint must be http(s)://host or http(s)://host:port, without a path, a name or a password")
  }
}

extension [String: String] {
  /// Of a variable that is set and not empty: that is what most programs take for set.
  func value(_ name: String) -> String? { self[name].flatMap { $0.isEmpty ? nil : $0 } }
}

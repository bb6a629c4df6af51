import Crdkafka

/// How to reach a Kafka cluster, and any other property of librdkafka.
///
/// Every property of librdkafka 2.0.2 passes through by its own name
/// (https://github.com/confluentinc/librdkafka/blob/v2.0.2/CONFIGURATION.md). Descriptions of a configuration never
/// show a secret, so that it can be logged and printed as it is.
public struct KafkaConfiguration: Sendable, Hashable {
  /// Where to begin: `host:port`, several separated by commas. The port is 9092 when left out.
  public var bootstrapServers: String
  /// Further properties by librdkafka's names. They override what this package sets by itself, but for
  /// `bootstrap.servers`.
  public var properties: [String: String]

  public init(bootstrapServers: String, properties: [String: String] = [:]) {
    self.bootstrapServers = bootstrapServers
    self.properties = properties
  }

  /// The value of a property, `bootstrap.servers` included; nil when it is not set here.
  public subscript(property: String) -> String? {
    get { Self.bootstrapNames.contains(property) ? bootstrapServers : properties[property] }
    set {
      if Self.bootstrapNames.contains(property) {
        bootstrapServers = newValue ?? ""
      } else {
        properties[property] = newValue
      }
    }
  }

  /// Checks every name and value, without connecting.
  ///
  /// - Returns: the configuration itself
  /// - Throws: `_INVALID_ARG` with librdkafka's own message (a secret's value left out), and the nearest known name
  ///   when a property is unknown. Contradictions between properties are found when a client is made.
  @discardableResult
  public func validated() throws(KafkaError) -> KafkaConfiguration {
    try checkBootstrapServers()
    NativeConfiguration.destroy(try NativeConfiguration.make(from: self, defaults: [:], required: [:]))
    return self
  }

  static let bootstrapNames: Set<String> = ["bootstrap.servers", "metadata.broker.list"]

  /// librdkafka only logs a server it cannot parse and then waits for ever for a broker; say so at once instead.
  func checkBootstrapServers() throws(KafkaError) {
    let servers = bootstrapServers.split(separator: ",", omittingEmptySubsequences: false)
    for server in servers {
      var address = server.drop { $0 == " " }
      while address.last == " " { address.removeLast() }
      if let scheme = address.range(ofScheme: "://") { address = address[scheme...] }
      guard !address.isEmpty else {
        throw .invalidArgument("bootstrap.servers is empty or has an empty entry; expected host:port,host:port")
      }
      // An IPv6 address stands in brackets; a port follows the last colon behind it.
      let afterHost = address.lastIndex(of: "]").map { address[$0...].dropFirst() } ?? address[...]
      guard let colon = afterHost.lastIndex(of: ":") else { continue }
      let port = afterHost[afterHost.index(after: colon)...]
      guard let number = UInt16(port), number > 0, colon != address.startIndex else {
        throw .invalidArgument("bootstrap.servers: \"\(address)\" is not host:port with a port of 1 to 65535")
      }
    }
  }
}

extension Substring {
  /// The index behind the first occurrence of a separator such as "://".
  fileprivate func range(ofScheme separator: String) -> Index? {
    var index = startIndex
    while index < endIndex {
      if self[index...].hasPrefix(separator) { return self.index(index, offsetBy: separator.count) }
      index = self.index(after: index)
    }
    return nil
  }
}

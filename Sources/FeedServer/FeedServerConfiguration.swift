package import AuditActions

/// Where to listen.
package struct ListenAddress: Sendable, Hashable, CustomStringConvertible {
  package var host: String
  /// 0: one the system chooses; ``FeedServer/listening()`` tells which.
  package var port: Int

  package init(host: String, port: Int) {
    self.host = host
    self.port = port
  }

  package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// How the server listens, and the limits it sets to clients.
package struct FeedServerConfiguration: Sendable {
  package var listen: ListenAddress
  /// Another port for `/livez`, `/readyz`, `/metrics` and `/counters`, which are then not on the first; nil: all on
  /// one port.
  package var management: ListenAddress?
  package var limits = ConnectionLimits()
  /// Where what has expired can be found again.
  package var archive: ArchiveLink?
  /// Where what Apache ACE's protocol brings goes; its project is the one whose logs that protocol shows.
  /// Nil: that protocol is not spoken.
  package var aceQueue: QueueAddress?
  /// Answers pages on the event loop, without going through Hummingbird. Off for comparison only.
  package var answersPagesDirectly = true
  /// Answers plain pages before llhttp sees them. Off for comparison only.
  package var takesShortWay = true

  package init(listen: ListenAddress, management: ListenAddress? = nil) {
    self.listen = listen
    self.management = management
  }
}

/// What one client may take of the server.
package struct ConnectionLimits: Sendable, Equatable {
  /// Open connections of a listener; more wait in the system's backlog.
  package var connectionsMax = 4_096
  /// Longest path and query, in bytes: 414. The longest marker and all filters fit.
  package var targetBytesMax = 32_768
  /// All header fields of a request, in bytes: 431.
  package var fieldsBytesMax = 32_768
  package var fieldsMax = 100
  /// From the first byte of a request to the end of its head: 408.
  package var headTimeout: Duration = .seconds(10)
  /// From the end of a head to the end of the content: 408.
  package var contentTimeout: Duration = .seconds(30)
  /// From an answer, or from the connection's start, to the next request: closed.
  package var idleTimeout: Duration = .seconds(75)
  /// How long a client may take for ``writeBytesMin`` bytes of an answer: closed.
  package var writeTimeout: Duration = .seconds(30)
  /// What a client has to take of an answer within ``writeTimeout``, in bytes, unless less is left.
  package var writeBytesMin = 65_536
  /// Bytes of requests and of unread answers that all connections of a listener may keep in memory: 503 above.
  package var bytesInFlightMax = 256 << 20
  /// From the start of a shutdown: connections still busy then are closed.
  package var drainTimeout: Duration = .seconds(10)

  package init() {}
}

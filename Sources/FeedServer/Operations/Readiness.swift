/// One thing that must be in order before requests are sent here.
package struct ReadinessCheck: Sendable, Equatable {
  package let name: String
  package let isReady: Bool
  /// Why not, for an operator; empty when ready.
  package let detail: String

  package init(name: String, isReady: Bool, detail: String = "") {
    self.name = name
    self.isReady = isReady
    self.detail = detail
  }
}

/// Who knows whether the node is ready: it is asked for every `/readyz` and `/ping`, and must not block.
package protocol ReadinessSource: Sendable {
  func checks() -> [ReadinessCheck]
}

import Crdkafka

/// What librdkafka calls back on its own threads or within a poll. The consumer's C handle holds an unretained pointer
/// to it; ``ClientHandle`` keeps it for as long.
final class ConsumerCallbacks: Sendable {
  let rebalances: RebalanceRelay
  let connections = ConnectionCounter()

  init(rebalances: RebalanceRelay) {
    self.rebalances = rebalances
  }

  /// Makes the callbacks known to a configuration, before the client is made of it.
  func install(in configuration: OpaquePointer) {
    rd_kafka_conf_set_opaque(configuration, Unmanaged.passUnretained(self).toOpaque())
    rd_kafka_conf_set_rebalance_cb(configuration) { client, code, partitions, opaque in
      guard let client, let opaque else { return }
      ConsumerCallbacks.from(opaque).rebalances.rebalance(client, code, partitions)
    }
    rd_kafka_conf_set_socket_cb(configuration) { domain, kind, transport, opaque in
      guard let opaque else { return -1 }
      return ConsumerCallbacks.from(opaque).connections.open(domain: domain, kind: kind, transport: transport)
    }
  }

  private static func from(_ opaque: UnsafeMutableRawPointer) -> ConsumerCallbacks {
    Unmanaged<ConsumerCallbacks>.fromOpaque(opaque).takeUnretainedValue()
  }
}

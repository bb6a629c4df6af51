public import AuditActions

/// What is wanted, changed while the emitter runs: it holds from the next event on.
extension ActionEmitter {
  /// A queue to be kept by a worker that emits events of it.
  public func queue(_ address: QueueAddress) -> AuditedQueue {
    skipReports.begin()
    return AuditedQueue(address, of: self)
  }

  /// Whether what the metadata of queues says is known and holds: false until
  /// ``ActionEmitterConfiguration/queuesTopic`` was read to its end.
  public var knowsQueues: Bool { gate.knowsQueues }

  /// The channels: events of types that no enabled one has are not wanted. ``ChannelSet/none``: all are.
  public func setChannels(_ channels: ChannelSet) { gate.setChannels(channels) }

  /// The event types that are known.
  /// - Parameter takesOnlyKnown: whether others are refused (`unknown_event`) from now on, channels or not.
  public func setCatalogue(_ catalogue: EventCatalogue, takesOnlyKnown: Bool) {
    gate.setCatalogue(catalogue, takesOnlyKnown: takesOnlyKnown)
  }
}

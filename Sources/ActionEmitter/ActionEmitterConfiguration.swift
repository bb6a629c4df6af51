public import AuditActions
public import Kafka

/// What happens when an emitter's bounds are reached and another action comes.
public enum OverflowPolicy: String, Sendable, Hashable, CaseIterable {
  /// The new one is refused (`queue_full`).
  case dropNewest = "drop_newest"
  /// The new one is accepted, and the oldest that Kafka's client has not been given is dropped for it: counted as failed
  /// (`dropped_oldest`), and told to whoever waits for it.
  ///
  /// The client cannot take back what it has been given, so it is given an eighth of the bounds at most. While Kafka is
  /// away that eighth, the oldest, stays; behind it are the newest. Nobody waits for room.
  case dropOldest = "drop_oldest"
}

/// How an ``ActionEmitter`` reaches Kafka, and how much it holds back at most.
public struct ActionEmitterConfiguration: Sendable {
  /// Brokers and any librdkafka property; what is set here wins over the emitter's own choices.
  public var kafka: KafkaConfiguration
  /// The topic actions go to.
  public var topic = "audit.actions"
  /// The URI reference that names this emitter: CloudEvents' `source`. 1…256 bytes of ASCII, as of
  /// `ActionOrigin.source`.
  public var source = "/strandline/worker"

  /// Most actions accepted and not yet delivered; beyond that `emit` refuses, or what ``overflow`` says.
  public var outstandingActionsMax = 10_000
  /// Most bytes of such actions (keys, values and headers); 64 MiB.
  public var outstandingBytesMax = 67_108_864
  /// What happens beyond those bounds. A spool refuses, whatever this says: with one it may only be `dropNewest`.
  public var overflow = OverflowPolicy.dropNewest
  /// How long an acknowledged emit waits for Kafka before it says that it does not know the outcome.
  public var acknowledgementTimeout: Duration = .seconds(30)

  /// Where actions are kept until Kafka has them. Nil: in memory only, and gone with the process.
  ///
  /// With a spool, an accepted action outlives the process and any outage of Kafka that the spool has room for. The
  /// bounds above are then those of what is on its way from the spool to Kafka; what `emit` refuses by is the room in
  /// the spool. Each emitter has a source and a spool of its own: the feed counts the actions of a source by the log
  /// of its spool.
  public var spool: SpoolConfiguration?

  /// Whether each action carries a CRC-32C of itself (`ce_crc32c`), which the feed, and who verifies an archive, check.
  public var checksum = false
  /// What each action is signed with (`ce_signature`), so that nobody else can speak in the name of ``source``. Nil:
  /// actions are not signed. To sign takes some ten microseconds; with a spool, in the order of the numbers.
  public var signingKey: ActionSigningKey?

  /// The event types that are known; see ``ActionEmitter/setCatalogue(_:takesOnlyKnown:)``.
  public var catalogue = EventCatalogue.builtIn
  /// Whether an event of a type outside the catalogue is refused.
  public var takesOnlyKnownEvents = false
  /// Which events are wanted; see ``ActionEmitter/setChannels(_:)``.
  public var channels = ChannelSet.none

  /// The compacted topic that holds the metadata of queues, `audit.queues` as a rule: what a queue is not audited for is
  /// skipped, within a second of the change. Nil: it is not followed, and every queue is audited.
  ///
  /// Until the topic was read to its end every queue is audited; the node judges once more.
  public var queuesTopic: String?
  /// What holds for queues whose metadata does not say, or that have none. `all`: they are left to the node.
  public var queueDefault = AuditDefault.all
  /// Where an action has to be before ``ActionEmitter/emitDurable(_:to:then:)`` does the work it is about.
  public var durability = EmitDurability.kafka

  /// Whether the spool keeps all it is given until ``ActionEmitter/beginPublishing()`` is called.
  package var holdsPublishing = false

  /// Client id of actions that name none: `details.client_id`.
  public var clientID: String?
  /// User agent of actions that name none: `details.user_agent`.
  public var userAgent: String?
  /// Product version of actions that name none.
  public var version: String?

  public init(kafka: KafkaConfiguration) {
    self.kafka = kafka
  }

  /// - Parameters:
  ///   - bootstrapServers: `host:port`, several divided by commas.
  ///   - properties: any of librdkafka's, such as `security.protocol`.
  public init(bootstrapServers: String, properties: [String: String] = [:]) {
    self.init(kafka: KafkaConfiguration(bootstrapServers: bootstrapServers, properties: properties))
  }

  /// - Throws: `invalid_configuration`, naming the member at fault.
  func validated() throws(EmitError) {
    guard outstandingActionsMax >= 1, outstandingActionsMax <= 4_000_000 else {
      throw .configuration("outstandingActionsMax is 1 to 4,000,000")
    }
    guard outstandingBytesMax >= 1_048_576, outstandingBytesMax <= 1_073_741_824 else {
      throw .configuration("outstandingBytesMax is 1,048,576 to 1,073,741,824 bytes")
    }
    guard acknowledgementTimeout > .zero else { throw .configuration("acknowledgementTimeout is more than zero") }
    do throws(AuditActionError) { _ = try ActionOrigin.source(source) } catch { throw .configuration(error.detail) }
    try spool?.validated()
    guard overflow == .dropNewest || spool == nil else {
      throw .configuration("overflow is dropNewest with a spool, which drops nothing it has taken")
    }
    guard durability != .spool || spool != nil else { throw .configuration("durability .spool needs a spool") }
    if let queuesTopic, !(1...249).contains(queuesTopic.utf8.count) {
      throw .configuration("queuesTopic has 1 to 249 characters")
    }
    guard (1...249).contains(topic.utf8.count) else { throw .configuration("topic has 1 to 249 characters") }
  }

  /// What the producer is made with, where the user has not set the property.
  var producer: KafkaConfiguration {
    var configuration = kafka
    for (property, value) in [("linger.ms", "5"), ("compression.codec", "lz4")]
    where configuration[property] == nil { configuration[property] = value }
    // A spool has patience: what times out would only be sent again, behind what came after it.
    if spool != nil, kafka["message.timeout.ms"] == nil, kafka["delivery.timeout.ms"] == nil {
      configuration["message.timeout.ms"] = "0"
    }
    return configuration
  }

  /// librdkafka counts a record until its delivery report is destroyed, which is after the emitter has counted it
  /// out: twice the emitter's bounds are never reached before the emitter's own are.
  var producerLimits: ProducerLimits {
    ProducerLimits(
      queuedRecordsMax: Int32(clamping: 2 * outstandingActionsMax + 1_000),
      queuedKilobytesMax: Int32(clamping: 2 * (outstandingBytesMax / 1_024) + 1_024))
  }
}

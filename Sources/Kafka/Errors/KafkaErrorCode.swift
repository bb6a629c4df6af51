extension KafkaError {
  /// The codes that callers of this package meet most, by name. Numbers: `rd_kafka_resp_err_t` of librdkafka 2.0.2.
  public enum Code {
    // The client's own.
    /// The client has been closed (`_DESTROY`).
    public static let closed: Int32 = -197
    /// The connection to a broker broke (`_TRANSPORT`).
    public static let transport: Int32 = -195
    /// A host name could not be resolved (`_RESOLVE`).
    public static let resolve: Int32 = -193
    /// A record was not delivered within `delivery.timeout.ms` (`_MSG_TIMED_OUT`).
    public static let recordTimedOut: Int32 = -192
    /// Not a failure: the end of a partition was reached (`_PARTITION_EOF`).
    public static let partitionEnd: Int32 = -191
    /// The partition does not exist in the cluster (`_UNKNOWN_PARTITION`).
    public static let unknownPartition: Int32 = -190
    /// The topic does not exist in the cluster (`_UNKNOWN_TOPIC`).
    public static let unknownTopic: Int32 = -188
    /// No broker can be reached (`_ALL_BROKERS_DOWN`).
    public static let allBrokersDown: Int32 = -187
    /// An argument or a property is not valid (`_INVALID_ARG`).
    public static let invalidArgument: Int32 = -186
    /// The time given for an operation has passed (`_TIMED_OUT`).
    public static let timedOut: Int32 = -185
    /// The producer's queue has reached its bound (`_QUEUE_FULL`).
    public static let queueFull: Int32 = -184
    /// The user or password was refused (`_AUTHENTICATION`).
    public static let authentication: Int32 = -169
    /// The partitions are not assigned any more, or the call does not fit the state (`_STATE`).
    public static let state: Int32 = -172
    /// The record was still queued when the producer closed (`_PURGE_QUEUE`).
    public static let purgedFromQueue: Int32 = -152
    /// The record was on its way when the producer closed; the broker may have it (`_PURGE_INFLIGHT`).
    public static let purgedInFlight: Int32 = -151
    /// The client is beyond repair (`_FATAL`).
    public static let fatal: Int32 = -150
    /// The wanted offset is not in the partition and the client was told not to jump (`_AUTO_OFFSET_RESET`).
    public static let autoOffsetReset: Int32 = -140

    // The broker's.
    public static let offsetOutOfRange: Int32 = 1
    public static let unknownTopicOrPartition: Int32 = 3
    public static let leaderNotAvailable: Int32 = 5
    public static let notLeaderForPartition: Int32 = 6
    public static let requestTimedOut: Int32 = 7
    public static let recordTooLarge: Int32 = 10
    public static let coordinatorNotAvailable: Int32 = 15
    public static let invalidTopic: Int32 = 17
    public static let notEnoughReplicas: Int32 = 19
    public static let topicAuthorizationFailed: Int32 = 29
    public static let groupAuthorizationFailed: Int32 = 30
    public static let topicAlreadyExists: Int32 = 36
    public static let fencedInstanceID: Int32 = 82

    /// Codes after which the same call may succeed later. The broker's are those that the protocol calls retriable
    /// (https://kafka.apache.org/protocol#protocol_error_codes).
    static let retriable: Set<Int32> = [
      transport, resolve, recordTimedOut, allBrokersDown, timedOut, queueFull,
      -183,  // _ISR_INSUFF
      -182,  // _NODE_UPDATE
      -180,  // _WAIT_COORD
      -177,  // _PREV_IN_PROGRESS
      -166,  // _TIMED_OUT_QUEUE
      -164,  // _WAIT_CACHE
      -153,  // _RETRY
      2, 3, 5, 6, 7, 9, 13, 14, 15, 16, 19, 20, 41, 51, 56, 70, 71, 72, 74, 75, 78, 80, 83, 88, 89,
    ]

    static func hint(for code: Int32) -> String? {
      switch code {
      case transport, allBrokersDown:
        "check bootstrap.servers, that the brokers run, and that security.protocol fits their listener"
      case resolve:
        "check the host names in bootstrap.servers"
      case recordTimedOut:
        "no broker acknowledged the record within delivery.timeout.ms"
      case queueFull:
        "records arrive faster than the brokers take them; wait and send again"
      case authentication:
        "check sasl.username, sasl.password and sasl.mechanism"
      case autoOffsetReset, offsetOutOfRange:
        "the wanted offset is gone (retention) or not there yet; choose where to go on with seek"
      case unknownTopic, unknownTopicOrPartition:
        "create the topic, or check its name"
      case unknownPartition:
        "the topic has fewer partitions than that"
      case recordTooLarge:
        "the record exceeds message.max.bytes of the client or of the topic"
      case purgedFromQueue:
        "the producer was closed before the record was sent"
      case purgedInFlight:
        "the producer was closed before the broker answered; the topic may or may not have the record"
      case notEnoughReplicas:
        "fewer replicas are in sync than the topic's min.insync.replicas"
      case topicAuthorizationFailed, groupAuthorizationFailed:
        "the user lacks the right; see the cluster's access control lists"
      case fencedInstanceID:
        "another member joined the group with the same group.instance.id"
      case closed:
        "make a new one"
      default:
        nil
      }
    }
  }
}

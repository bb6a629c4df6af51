import Kafka
import Testing

@Suite struct ErrorTests {
  @Test func errorsSayTheirNameAndWhetherTryingAgainHelps() {
    let transport = KafkaError(code: KafkaError.Code.transport)
    #expect(transport.name == "_TRANSPORT")
    #expect(transport.message == "Local: Broker transport failure")
    #expect(transport.isRetriable && !transport.isFatal)
    #expect(transport.hint != nil)
    #expect(transport.description.hasPrefix("_TRANSPORT: Local: Broker transport failure (retriable); "))

    let unknown = KafkaError(code: KafkaError.Code.unknownTopicOrPartition, message: "no such topic")
    #expect(unknown.name == "UNKNOWN_TOPIC_OR_PART")
    #expect(unknown.message == "no such topic")
    #expect(KafkaError(code: KafkaError.Code.recordTooLarge).isRetriable == false)
  }

  @Test func fatalErrorsAreNeverRetriable() {
    let error = KafkaError(code: KafkaError.Code.transport, isRetriable: true, isFatal: true)
    #expect(error.isFatal && !error.isRetriable)
    #expect(KafkaError(code: KafkaError.Code.fatal).isFatal)
    #expect(error.description.contains("(fatal)"))
  }

  @Test func codesNobodyKnowsAreErrorsToo() {
    for code: Int32 in [12_345, -199_999, .max, .min] {
      let error = KafkaError(code: code)
      #expect(error.code == code)
      #expect(!error.name.isEmpty && !error.message.isEmpty)
    }
  }

  @Test func theNamedCodesAreLibrdkafkas() {
    let names: [(Int32, String)] = [
      (KafkaError.Code.closed, "_DESTROY"), (KafkaError.Code.queueFull, "_QUEUE_FULL"),
      (KafkaError.Code.resolve, "_RESOLVE"), (KafkaError.Code.recordTimedOut, "_MSG_TIMED_OUT"),
      (KafkaError.Code.partitionEnd, "_PARTITION_EOF"), (KafkaError.Code.unknownPartition, "_UNKNOWN_PARTITION"),
      (KafkaError.Code.unknownTopic, "_UNKNOWN_TOPIC"), (KafkaError.Code.allBrokersDown, "_ALL_BROKERS_DOWN"),
      (KafkaError.Code.invalidArgument, "_INVALID_ARG"), (KafkaError.Code.timedOut, "_TIMED_OUT"),
      (KafkaError.Code.authentication, "_AUTHENTICATION"), (KafkaError.Code.state, "_STATE"),
      (KafkaError.Code.purgedFromQueue, "_PURGE_QUEUE"), (KafkaError.Code.purgedInFlight, "_PURGE_INFLIGHT"),
      (KafkaError.Code.fatal, "_FATAL"), (KafkaError.Code.autoOffsetReset, "_AUTO_OFFSET_RESET"),
      (KafkaError.Code.offsetOutOfRange, "OFFSET_OUT_OF_RANGE"),
      (KafkaError.Code.leaderNotAvailable, "LEADER_NOT_AVAILABLE"),
      (KafkaError.Code.notLeaderForPartition, "NOT_LEADER_FOR_PARTITION"),
      (KafkaError.Code.requestTimedOut, "REQUEST_TIMED_OUT"),
      (KafkaError.Code.recordTooLarge, "MSG_SIZE_TOO_LARGE"),
      (KafkaError.Code.coordinatorNotAvailable, "COORDINATOR_NOT_AVAILABLE"),
      (KafkaError.Code.invalidTopic, "TOPIC_EXCEPTION"),
      (KafkaError.Code.notEnoughReplicas, "NOT_ENOUGH_REPLICAS"),
      (KafkaError.Code.topicAuthorizationFailed, "TOPIC_AUTHORIZATION_FAILED"),
      (KafkaError.Code.groupAuthorizationFailed, "GROUP_AUTHORIZATION_FAILED"),
      (KafkaError.Code.topicAlreadyExists, "TOPIC_ALREADY_EXISTS"),
      (KafkaError.Code.fencedInstanceID, "FENCED_INSTANCE_ID"),
    ]
    for (code, name) in names { #expect(KafkaError(code: code).name == name) }
  }
}

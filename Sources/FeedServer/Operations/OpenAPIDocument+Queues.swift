/// The part of the description that tells of the metadata of queues.
extension OpenAPIDocument {
  static let metadata = path("/v1/{project}/queues/{queue}", project: "project", name: "", note: "")
  static let metadataAlias = path(
    "/v1/queues/{queue}", project: "projectHeader", name: "ByAlias", note: " (alias)")

  private static func path(_ template: String, project: String, name: String, note: String) -> String {
    """
      \(template):
        parameters: [\(references(project, "queue"))]
        get:
          operationId: readMetadata\(name)
          summary: The metadata of a queue, which says whether it is audited\(note)
          parameters: [\(references("ifNoneMatch"))]
          responses: {\(reading)}
        head:
          operationId: headMetadata\(name)
          summary: As GET, without the body
          parameters: [\(references("ifNoneMatch"))]
          responses: {\(reading)}
        put:
          operationId: putMetadata\(name)
          summary: Sets the metadata of a queue\(note)
          description: |
            Once it is answered, this node works by it; others do within a second. Without content: an empty object.
          parameters: [\(references("ifMatch", "ifNoneMatch"))]
          requestBody: {$ref: "#/components/requestBodies/Metadata"}
          responses: {\(putting)}
        patch:
          operationId: patchMetadata\(name)
          summary: Changes the metadata of a queue\(note)
          description: |
            A merge patch (RFC 7396), as which application/json is taken too, or a JSON patch (RFC 6902). The paths of
            Zaqar's own media type begin with /metadata. A queue without metadata is patched as an empty object.
          parameters: [\(references("ifMatch", "ifNoneMatch"))]
          requestBody: {$ref: "#/components/requestBodies/MetadataPatch"}
          responses: {\(patching)}
        delete:
          operationId: deleteMetadata\(name)
          summary: Removes the metadata of a queue; its actions expire as they would\(note)
          parameters: [\(references("ifMatch", "ifNoneMatch"))]
          responses: {\(deleting)}

    """
  }

  private static func references(_ names: String...) -> String {
    names.map { "{$ref: \"#/components/parameters/\($0)\"}" }.joined(separator: ", ")
  }

  private static let common = [
    ("400", "BadRequest"), ("405", "MethodNotAllowed"), ("406", "NotAcceptable"), ("503", "Unavailable"),
  ]
  private static let reading = responses(
    [("200", "Metadata"), ("304", "MetadataUnchanged"), ("404", "NotFound")] + common)
  private static let changing = common + [("412", "PreconditionFailed")]
  private static let sending = [
    ("408", "RequestTimeout"), ("413", "ContentTooLarge"), ("415", "UnsupportedMediaType"),
  ]
  private static let putting = responses(
    [("201", "MetadataCreated"), ("204", "MetadataChanged")] + changing + sending)
  private static let patching = responses([("200", "Metadata"), ("409", "Conflict")] + changing + sending)
  private static let deleting = responses([("204", "MetadataChanged")] + changing)

  private static func responses(_ all: [(code: String, name: String)]) -> String {
    all.map { "\"\($0.code)\": {$ref: \"#/components/responses/\($0.name)\"}" }.joined(separator: ", ")
  }

  static let metadataParameters = #"""
        ifMatch:
          name: If-Match
          in: header
          description: Entity tags one of which the metadata must have, or *
          schema: {type: string}
        ifNoneMatch:
          name: If-None-Match
          in: header
          description: Entity tags the metadata must not have; * when there must be none
          schema: {type: string}

    """#

  static let metadataSchemas = #"""
        Metadata:
          type: object
          description: At most 65,536 bytes. Members other than `audit` are the user's own.
          properties:
            audit:
              type: object
              additionalProperties: false
              properties:
                enabled: {type: boolean, description: "Whether actions are kept; without it, the node's audit-default"}
                ttl:
                  type: integer
                  minimum: 1
                  maximum: 1209600
                  description: Time to live, in seconds, of actions that name none
                events:
                  type: array
                  description: The only event types that are kept; without it, all
                  items: {type: string, minLength: 1, maxLength: 256}

    """#

  static let metadataBodies = #"""
        Metadata:
          required: false
          content: {application/json: {schema: {$ref: "#/components/schemas/Metadata"}}}
        MetadataPatch:
          required: true
          content:
            application/merge-patch+json: {schema: {type: object}}
            application/json: {schema: {type: object}}
            application/json-patch+json: {schema: {type: array, maxItems: 128, items: {type: object}}}
            application/openstack-messaging-v2.0-json-patch:
              schema: {type: array, maxItems: 128, items: {type: object}}

    """#

  static let metadataContents = #"""
        Metadata:
          description: The metadata; an empty object for a queue that has none and is known by its actions
          headers:
            ETag: {$ref: "#/components/headers/ETag"}
            Strandline-Audited: {$ref: "#/components/headers/Strandline-Audited"}
            Content-Location: {$ref: "#/components/headers/Content-Location"}
            Cache-Control: {$ref: "#/components/headers/Cache-Control"}
            X-Request-Id: {$ref: "#/components/headers/X-Request-Id"}
          content: {application/json: {schema: {$ref: "#/components/schemas/Metadata"}}}
        MetadataUnchanged:
          description: The metadata still has the tag that If-None-Match names.
          headers:
            ETag: {$ref: "#/components/headers/ETag"}
            X-Request-Id: {$ref: "#/components/headers/X-Request-Id"}
        MetadataCreated:
          description: The queue had no metadata before.
          headers:
            ETag: {$ref: "#/components/headers/ETag"}
            Location: {$ref: "#/components/headers/Location"}
            X-Request-Id: {$ref: "#/components/headers/X-Request-Id"}
        MetadataChanged:
          description: It is done.
          headers:
            ETag: {$ref: "#/components/headers/ETag"}
            X-Request-Id: {$ref: "#/components/headers/X-Request-Id"}

    """#

  static let metadataHeaders = #"""
        ETag:
          description: The version of the metadata, the same on every node
          schema: {type: string}
        Strandline-Audited:
          description: Whether actions of the queue are kept, whatever says so
          schema: {type: boolean}

    """#
}

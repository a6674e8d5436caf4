import CContractMessages
import CProtobufC
import HostErrors

extension MessageSchema {
    /// Copies a generated descriptor.
    ///
    /// Safe because descriptors are constants of the program: their pointers hold for its whole life,
    /// and `n_fields` and `n_values` count what they point at.
    convenience init(_ descriptor: ProtobufCMessageDescriptor) {
        var fields: [FieldSchema] = []
        for index in 0..<Int(unsafe descriptor.n_fields) {
            guard let field = unsafe descriptor.fields?[index], let kind = unsafe Self.kind(of: field) else { continue }
            let isOneof = unsafe field.flags & UInt32(PROTOBUF_C_FIELD_FLAG_ONEOF.rawValue) != 0
            unsafe fields.append(
                FieldSchema(
                    number: field.id,
                    name: String(cString: field.name),
                    kind: kind,
                    isRepeated: field.label == PROTOBUF_C_LABEL_REPEATED,
                    oneof: isOneof ? field.quantifier_offset : nil
                )
            )
        }
        self.init(name: unsafe String(cString: descriptor.short_name), fields: fields)
    }

    private static func kind(of field: ProtobufCFieldDescriptor) -> FieldSchema.Kind? {
        switch unsafe field.type {
        case PROTOBUF_C_TYPE_STRING: return .string
        case PROTOBUF_C_TYPE_BYTES: return .bytes
        case PROTOBUF_C_TYPE_BOOL: return .bool
        case PROTOBUF_C_TYPE_DOUBLE: return .double
        case PROTOBUF_C_TYPE_INT32: return .int32
        case PROTOBUF_C_TYPE_INT64: return .int64
        case PROTOBUF_C_TYPE_UINT32: return .uint32
        case PROTOBUF_C_TYPE_ENUM:
            guard let raw = unsafe field.descriptor else { return nil }
            let descriptor = unsafe raw.assumingMemoryBound(to: ProtobufCEnumDescriptor.self).pointee
            var values: [String: Int32] = [:]
            for index in 0..<Int(unsafe descriptor.n_values) {
                guard let value = unsafe descriptor.values?[index] else { continue }
                unsafe values[String(cString: value.name)] = value.value
            }
            return .enumeration(values)
        case PROTOBUF_C_TYPE_MESSAGE:
            guard let raw = unsafe field.descriptor else { return nil }
            return unsafe .message(MessageSchema(raw.assumingMemoryBound(to: ProtobufCMessageDescriptor.self).pointee))
        default: return nil
        }
    }

    static let juneRun = unsafe MessageSchema(atelet_june__run_request__descriptor)
    static let juneCheckpoint = unsafe MessageSchema(atelet_june__checkpoint_request__descriptor)
    static let juneRestore = unsafe MessageSchema(atelet_june__restore_request__descriptor)

    static let autumnRun = unsafe MessageSchema(atelet_autumn__run_request__descriptor)
    static let autumnCheckpoint = unsafe MessageSchema(atelet_autumn__checkpoint_request__descriptor)
    static let autumnRestore = unsafe MessageSchema(atelet_autumn__restore_request__descriptor)
    static let autumnTerminate = unsafe MessageSchema(atelet_autumn__terminate_request__descriptor)
    static let autumnUpload = unsafe MessageSchema(atelet_autumn__upload_paused_checkpoint_request__descriptor)
    static let autumnPrune = unsafe MessageSchema(atelet_autumn__prune_local_checkpoints_request__descriptor)
    static let restoreConfiguration = unsafe MessageSchema(atelet_autumn__external_restore_configuration__descriptor)

    static let actor = unsafe MessageSchema(substrate__host__v1__actor__descriptor)
    static let published = unsafe MessageSchema(substrate__host__v1__published__descriptor)
    static let phase = unsafe MessageSchema(substrate__host__v1__phase__descriptor)
    static let backend = unsafe MessageSchema(substrate__host__v1__backend__descriptor)
    static let listRequest = unsafe MessageSchema(substrate__host__v1__list_request__descriptor)
    static let listResponse = unsafe MessageSchema(substrate__host__v1__list_response__descriptor)
    static let getRequest = unsafe MessageSchema(substrate__host__v1__get_request__descriptor)
    static let watchRequest = unsafe MessageSchema(substrate__host__v1__watch_request__descriptor)
    static let startRequest = unsafe MessageSchema(substrate__host__v1__start_request__descriptor)
    static let stopRequest = unsafe MessageSchema(substrate__host__v1__stop_request__descriptor)
    static let removeRequest = unsafe MessageSchema(substrate__host__v1__remove_request__descriptor)
    static let removeResponse = unsafe MessageSchema(substrate__host__v1__remove_response__descriptor)
    static let logsRequest = unsafe MessageSchema(substrate__host__v1__logs_request__descriptor)
    static let logChunk = unsafe MessageSchema(substrate__host__v1__log_chunk__descriptor)
    static let backendsRequest = unsafe MessageSchema(substrate__host__v1__backends_request__descriptor)
    static let backendsResponse = unsafe MessageSchema(substrate__host__v1__backends_response__descriptor)
    static let publishRequest = unsafe MessageSchema(substrate__host__v1__publish_request__descriptor)
    static let publishResponse = unsafe MessageSchema(substrate__host__v1__publish_response__descriptor)
    static let forgetRequest = unsafe MessageSchema(substrate__host__v1__forget_request__descriptor)
    static let forgetResponse = unsafe MessageSchema(substrate__host__v1__forget_response__descriptor)
    static let checkpointActorRequest = unsafe MessageSchema(substrate__host__v1__checkpoint_actor_request__descriptor)
    static let checkpointActorResponse = unsafe MessageSchema(
        substrate__host__v1__checkpoint_actor_response__descriptor
    )
    static let restoreActorRequest = unsafe MessageSchema(substrate__host__v1__restore_actor_request__descriptor)
    static let execRequest = unsafe MessageSchema(substrate__host__v1__exec_request__descriptor)
    static let execEvent = unsafe MessageSchema(substrate__host__v1__exec_event__descriptor)
    static let execInputRequest = unsafe MessageSchema(substrate__host__v1__exec_input_request__descriptor)
    static let execInputResponse = unsafe MessageSchema(substrate__host__v1__exec_input_response__descriptor)

    static let metricsRequest = unsafe MessageSchema(substrate__host__v1__metrics_request__descriptor)
    static let metricsResponse = unsafe MessageSchema(substrate__host__v1__metrics_response__descriptor)
    static let statsRequest = unsafe MessageSchema(substrate__host__v1__stats_request__descriptor)
    static let statsResponse = unsafe MessageSchema(substrate__host__v1__stats_response__descriptor)

    static let status = unsafe MessageSchema(substrate__status__v1__status__descriptor)
    static let errorInfo = unsafe MessageSchema(substrate__status__v1__error_info__descriptor)

    static let fileSet = unsafe MessageSchema(substrate__descriptor__v1__file_set__descriptor)
    static let rawFileSet = unsafe MessageSchema(substrate__descriptor__v1__raw_file_set__descriptor)
    static let reflectionRequest = unsafe MessageSchema(grpc__reflection__v1__server_reflection_request__descriptor)
    static let reflectionResponse = unsafe MessageSchema(grpc__reflection__v1__server_reflection_response__descriptor)
}

extension DialectSetting {
    /// The encoded files of what is served under this setting; where both dialects are, autumn's: one name, one message.
    ///
    /// Safe because the sets are constants of the program, and each counts its own bytes.
    var servedFileSets: [[UInt8]] {
        let dialect = unsafe self == .june ? csm_served_june : csm_served_autumn
        return unsafe [dialect, csm_served_common].map {
            unsafe Array(UnsafeBufferPointer(start: $0.bytes, count: $0.size))
        }
    }
}
